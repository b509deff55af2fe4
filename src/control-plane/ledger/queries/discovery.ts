// Where a claimer looks for ready tasks: pieces of SQL for the statements that claim, and for those that foretell them.
import { GATE } from '../domain/gate.js';
import { type Claimer } from '../domain/task.js';
import { IS_ALL_PAUSED, isPausedGateway, isPausedProject, PAUSED } from './pause.queries.js';

/** What the claimer can do. Reads `workers`, of the registry, for a worker that names no capabilities. */
export const CLAIMER = `claimer as materialized (
     select coalesce($3::text[], w.capabilities, '{}') as capabilities, w.gateway_id
     from (select 1) one left join workers w on w.worker_id = $2::text
   )`;

/** Of a waiting task `t`, what decides who may take it. */
export const ASKED_ABOUT = `t.kind, t.required_capabilities, split_part(t.lane, '/', 2) as audience,
         case when t.dispatch_key is not null then t.dispatch_gateway_id
              when t.gateway_strict then t.gateway_id end as bound_to`;

/**
 * Whether a gateway `g` is one for a task that is not bound to it: one that serves only some actions takes only tasks that
 * require one of those as a capability.
 */
export const isServed = (task: string): string =>
  `coalesce(jsonb_typeof(g->'serves'), 'null') = 'null' or (g->'serves') ?| ${task}.required_capabilities`;

/** Whether the claimer may take what `head` says this of. */
export const MAY_TAKE = `(head.kind <> 'action') = ($1::text = 'host')
       and case $1::text
         when 'host' then exists (select from claimer c where head.required_capabilities <@ c.capabilities)
         when 'worker' then head.audience in ('any', 'pull') and exists (
           select from claimer c
           where head.required_capabilities <@ c.capabilities and (head.bound_to is null or head.bound_to = c.gateway_id))
         else head.audience in ('any', 'push') and exists (
           select from jsonb_array_elements($4::jsonb) g
           where (head.bound_to is null or head.bound_to = g->>'gatewayId')
             and to_jsonb(head.required_capabilities) <@ (g->'capabilities')
             and (head.bound_to is not null or ${isServed('head')})
             and not ${isPausedGateway("g->>'gatewayId'")})
       end`;

const READ = `pg_stat_get_xact_tuples_returned('tasks_ready'::regclass)`;
const BEFORE = `before as materialized (select ${READ} as read)`;

/**
 * How many entries of the ready index a claim has read in vain: those of tasks long taken. What it needs is a few for each
 * lane and project on its way, and as many from each of those whose turn it is as its share `s` says.
 */
export const READ_IN_VAIN = `greatest(0, ${READ} - (select b.read from before b)
       - 8 * ((select count(*) from lanes) + s.probes) - s.each * s.probes)`;

/**
 * The lanes that a claimer may take from. The recursion hops from lane to lane along the ready index, one probe each,
 * so lanes without ready work cost nothing; any task of a lane stands for all of it, since a lane is a function of the
 * columns that are asked about. None while the queue is paused.
 *
 * $1 holder, $2 worker id, $3 capabilities or null, $4 gateways as [{gatewayId, capabilities, serves}].
 */
export const ELIGIBLE_LANES = `
   ${PAUSED}, ${BEFORE}, lanes(lane) as (
     (select t.lane from before b cross join lateral (
        select t.lane from tasks t where t.gate = ${GATE.runnable} and not ${IS_ALL_PAUSED} order by t.lane limit 1
      ) t where b.read is not null)
     union all
     select (select t.lane from tasks t where t.gate = ${GATE.runnable} and t.lane > l.lane order by t.lane limit 1)
     from lanes l where l.lane is not null
   ), ${CLAIMER}, eligible as materialized (
     select l.lane from lanes l
     cross join lateral (
       select ${ASKED_ABOUT}
       from tasks t where t.gate = ${GATE.runnable} and t.lane = l.lane order by t.lane, t.project_id limit 1
     ) head
     where l.lane is not null and ${MAY_TAKE}
   )`;

/** The parameters of {@link ELIGIBLE_LANES}. */
export function lanesOf(claimer: Claimer): unknown[] {
  switch (claimer.holder) {
    case 'worker':
      return ['worker', claimer.id, claimer.capabilities, '[]'];
    case 'host':
      return ['host', claimer.id, null, '[]'];
    case 'dispatcher':
      return ['dispatcher', claimer.id, [], gatewaysOf(claimer)];
  }
}

export const gatewaysOf = (claimer: Claimer): string =>
  claimer.holder === 'dispatcher' ? JSON.stringify(claimer.gateways) : '[]';

/** Where the turn of projects stands in each lane: the project that was served last. */
export type Turns = ReadonlyMap<string, string>;

export const turnsOf = (turns: Turns): string[][] => [[...turns.keys()], [...turns.values()]];

/**
 * The projects whose turn is next in each eligible lane, `many` at most: those after the one that was served last, by
 * name, and from the beginning again. One probe each, however many projects there are, and one for each paused project on
 * the way: those have no turn, which an `nth` of 0 says. $5 and $6 are the {@link Turns}.
 */
export const projectsInTurn = (many: string): string => `
   turns(lane, project_id, nth, seen, served, is_wrapped) as (
     select e.lane, coalesce(s.project_id, '') collate "C", 0, 0, coalesce(s.project_id, '') collate "C", false
     from eligible e left join unnest($5::text[], $6::text[]) s(lane, project_id) on s.lane = e.lane
     union all
     select p.lane, n.project_id, (p.seen + 1) * s.counts, p.seen + s.counts, p.served, n.is_wrapped
     from turns p cross join lateral (
       (select t.project_id, p.is_wrapped from tasks t
        where t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id > p.project_id
          and (not p.is_wrapped or t.project_id <= p.served)
        order by t.project_id limit 1)
       union all
       (select t.project_id, true from tasks t
        where not p.is_wrapped and t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id <= p.served
        order by t.project_id limit 1)
       limit 1
     ) n(project_id, is_wrapped) cross join lateral (
       select case when ${isPausedProject('n.project_id')} then 0 else 1 end offset 0
     ) s(counts)
     where p.seen < ${many}
   )`;

/** The ready tasks of one project in one lane. */
export interface Line {
  readonly lane: string;
  readonly projectId: string;
}

/** The turns of {@link SOLE_LINE}: the line stands where turns stand elsewhere. */
export const turnsOfLine = ({ lane, projectId }: Line): Turns => new Map([[lane, projectId]]);

const atEnd = (direction: '' | ' desc') => `cross join lateral (
       select t.lane, t.project_id from tasks t where t.gate = ${GATE.runnable} and b.read is not null
       order by t.lane${direction}, t.project_id${direction} limit 1
     )`;

/**
 * The same as {@link ELIGIBLE_LANES} and {@link projectsInTurn} when one line is all that is ready, which the first
 * and the last entry of the ready index prove, and its lane is for everybody. No turns otherwise.
 */
export const SOLE_LINE = `
   parameters as (select $2::text, $3::text[], $9::integer),
   ${PAUSED}, ${BEFORE}, lanes(lane) as (select 1), turns(lane, project_id, nth) as materialized (
     select p.lane, p.project_id collate "C", 1
     from before b cross join unnest($5::text[], $6::text[]) p(lane, project_id)
     ${atEnd('')} first ${atEnd(' desc')} last
     where (first.lane, first.project_id) = (p.lane, p.project_id) and (last.lane, last.project_id) = (p.lane, p.project_id)
       and not ${IS_ALL_PAUSED} and not ${isPausedProject('p.project_id')}
   )`;

/** The turns of {@link ofOneProject}: the project stands where turns stand elsewhere. */
export const turnsOfProject = (projectId: string): Turns => new Map([['', projectId]]);

/**
 * The same as {@link projectsInTurn}, behind {@link ELIGIBLE_LANES}, for who takes tasks of one project alone: one probe a
 * lane. `others`: expressions that give a type to parameters which are read nowhere else.
 */
export const ofOneProject = (...others: readonly string[]): string => `
   parameters as (select ${['$5::text[]', ...others].join(', ')}),
   turns(lane, project_id, nth) as materialized (
     select e.lane, first.project_id, 1 from eligible e
     cross join lateral (
       select t.project_id from tasks t
       where t.gate = ${GATE.runnable} and t.lane = e.lane and t.project_id = ($6::text[])[1]
       order by t.rank, t.seq limit 1
     ) first
     where not ${isPausedProject('first.project_id')}
   )`;

/** Where the ready tasks of a project begin in a lane: all up to there, that one included, have been taken. */
export interface Mark extends Line {
  readonly rank: number;
  readonly seq: number;
}

/** The parameters $10 to $13 of {@link TURNS_FROM_MARKS}. */
export const marksOf = (marks: readonly Mark[]): unknown[] => [
  marks.map(({ lane }) => lane),
  marks.map(({ projectId }) => projectId),
  marks.map(({ rank }) => rank),
  marks.map(({ seq }) => seq),
];

/** The same as {@link ELIGIBLE_LANES} and {@link projectsInTurn} among the lanes and projects of marks, one probe behind each. */
export const turnsFromMarks = (many: string): string => `
   ${PAUSED}, ${CLAIMER}, turns as (
     select n.* from (
       select m.lane, m.project_id, m.rank, m.seq,
         row_number() over (partition by m.lane order by m.project_id <= coalesce(s.project_id, ''), m.project_id) as nth
       from unnest($10::text[], $11::text[], $12::bigint[], $13::bigint[]) m(lane, project_id, rank, seq)
       cross join lateral (
         select ${ASKED_ABOUT} from tasks t
         where t.gate = ${GATE.runnable} and t.lane = m.lane and t.project_id = m.project_id
           and (t.rank, t.seq) > (m.rank, m.seq)
         order by t.rank, t.seq limit 1
       ) head
       left join unnest($5::text[], $6::text[]) s(lane, project_id) on s.lane = m.lane
       where not ${IS_ALL_PAUSED} and not ${isPausedProject('m.project_id')} and ${MAY_TAKE}
     ) n where n.nth <= ${many}
   )`;

/** Where a claim begins to look. */
export interface ClaimStart {
  readonly turns: Turns;
  readonly projects: number;
  readonly marks: readonly Mark[] | null;
  /** The only line that is thought to be there. */
  readonly sole: Line | null;
}
