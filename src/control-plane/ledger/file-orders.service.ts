import { Injectable } from '@nestjs/common';
import { type Db } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { exclude } from './domain/use-index.js';
import { projectOf } from './domain/text-lists.js';
import { wantedFiles } from './domain/wanted-files.js';
import { EndingsService } from './endings.service.js';
import { findNeighbours } from './queries/file.queries.js';
import { findTasksBySeq } from './queries/read.queries.js';

/** What became of the holders of files that an operator frees. */
export interface Freed {
  /** Tasks whose claims were ended: they wait to be claimed again. */
  readonly released: readonly string[];
  /** Tasks that keep their files: a gateway may still be executing them, and nobody but it can tell. */
  readonly kept: readonly string[];
}

/** An operator's word on files, over the head of whoever holds them. */
@Injectable()
export class FileOrders {
  constructor(private readonly endings: EndingsService) {}

  /**
   * Ends the claims of all tasks that own something of a file, folder or glob, which frees all their files at once: their
   * holders find their claims gone. Twice is as good as once. Throws when the name is no file of a project.
   */
  async free(
    db: Db,
    {
      projectId,
      path,
      reason,
    }: { readonly projectId: string | null; readonly path: string; readonly reason: string },
  ): Promise<Freed> {
    const { files, refused } = wantedFiles({ requiredFiles: [path], readFiles: [], files: [] });
    const [file] = files;
    if (file === undefined) {
      throw new Problem('bad-request', refused[0]?.detail ?? 'path must name a file, a folder or a glob');
    }
    const neighbours = await findNeighbours(db, projectOf(projectId), [file]);
    const seqs = neighbours
      .filter((other) => other.standing === 'held' && exclude(file, other))
      .map(({ taskSeq }) => taskSeq);
    const released: string[] = [];
    const kept: string[] = [];
    for (const { id, lockedBy, claimToken, dispatchKey } of await findTasksBySeq(db, [...new Set(seqs)])) {
      if (lockedBy === null || claimToken === null) continue;
      if (dispatchKey !== null) {
        kept.push(id);
        continue;
      }
      const proof = { taskId: id, workerId: lockedBy, claimToken };
      const why = reason.trim();
      const said = `An operator has freed its files${why === '' ? '.' : `: ${why}`}`;
      if (await this.endings.release(db, proof, { reason: said })) released.push(id);
    }
    return { released, kept };
  }
}
