/**
 * The replica that runs a statement, as SQL: what follows the slash in the connection's application name, which every
 * pooler hands through. It saves a parameter in each of the statements that write a task.
 */
export const WRITER = `split_part(current_setting('application_name'), '/', 2)`;

/** Sets who wrote a row `t` last, of jobs only: other tasks do not tell. */
export const WRITTEN_BY = `updated_by = case when t.updated_by is not null then ${WRITER} end`;
