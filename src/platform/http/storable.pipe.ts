import { Injectable, type PipeTransform } from '@nestjs/common';

/** An id as it may be looked for: PostgreSQL text cannot hold NUL, so that it becomes one that nothing has. */
export const storable = (id: string): string => id.replaceAll('\0', '\uFFFD');

/** Makes the ids of paths {@link storable}. */
@Injectable()
export class StorablePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return storable(value);
  }
}
