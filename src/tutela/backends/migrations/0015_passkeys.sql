-- How a session was begun, and when somebody last did something in it: who was idle for long signs in again to act.

alter table session add column factor text not null default 'code';
alter table session add column passkey text;
alter table session add column active bigint not null default 0;
update session set active = until - 12 * 3600000000;
create index session_passkey on session (passkey) where passkey is not null;

-- Passkeys: public keys alone. What they are called is in the log, sealed. A challenge is answered once, within minutes.

create table passkey (
    id            text primary key,
    agent         text not null references agent,
    credential    bytea not null unique,
    public_key    bytea not null,
    count         bigint not null,
    at            bigint not null,
    used_at       bigint
);
create index passkey_agent on passkey (agent);

create table challenge (
    hash          bytea primary key,
    agent         text references agent,
    until         bigint not null
);
create index challenge_until on challenge (until);
