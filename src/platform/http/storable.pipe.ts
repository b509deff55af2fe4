import { Injectable, type PipeTransform } from '@nestjs/common';

/** PostgreSQL text cannot hold NUL. In a path it is replaced, so that the id is simply one that nothing has. */
@Injectable()
export class StorablePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return value.replaceAll('\0', '\uFFFD');
  }
}
