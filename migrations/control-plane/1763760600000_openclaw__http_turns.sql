-- Turns that went over HTTP, and gateways that are kept from taking anything new. Owner: control-plane/gateway-client.

set local lock_timeout = '5s';

alter table openclaw_turns
  drop constraint openclaw_turns_kind_check,
  add constraint openclaw_turns_kind check (kind in ('agent', 'http', 'tool')),
  -- The last row of the session before the turn was sent: rows of turns over HTTP bear no key.
  add column rows_before integer not null default 0;

-- Gateways that were asked to take nothing new, since an operator drains them; until they were told that it is over.
create table openclaw_suspensions (
  gateway_id text primary key,
  -- The name of the wish: whoever asks again with it renews what it was granted.
  request_id text not null,
  -- What the gateway calls it; empty until it has agreed.
  suspension_id text not null default '',
  -- Whether everything there has come to its end, as the gateway says.
  is_idle boolean not null default false,
  asked_at timestamptz not null default now()
);
