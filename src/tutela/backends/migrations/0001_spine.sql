-- The facts of the spine. Domain time comes in as microseconds from the clock port; only leases use
-- the database's own clock. Nothing here has `default now()`.
-- Nouns are kept as json, not jsonb: the same bytes come out that went in, so that hashes hold.

create table install (
    one           boolean primary key default true check (one),
    id            uuid not null,
    partitions    int not null check (partitions between 1 and 1024),
    ways          int not null check (ways between 1 and 1024),
    zone          text not null,
    city          text not null,
    at            bigint not null
);

create table timeline (
    name          text primary key,
    says          text not null default '',
    at            bigint not null
);

-- ── the register ────────────────────────────────────────────────────────────────────────────────
create table source (
    name          text primary key,
    entry         json not null
);

-- Ids are given out by the program, under a lock: an identity leaves gaps, and partitions count on none.
create table thing (
    id            int primary key,
    name          text not null unique,
    source        text not null references source,
    entry         json not null
);

create table datastream (
    id            int primary key,
    name          text not null unique,
    source        text not null references source,
    entry         json not null
);

create table refused (
    source        text not null,
    minute        bigint not null,
    reason        text not null,
    n             bigint not null,
    primary key (source, minute, reason)
);
create index refused_minute on refused (minute);

create table dead_letter (
    id            uuid primary key,
    source        text not null,
    at            bigint not null,
    reason        text not null,
    says          text not null,
    key           text,
    body          bytea not null,
    tries         int not null default 0,
    replayed_at   bigint
);
create index dead_letter_waits on dead_letter (at) where replayed_at is null;

-- ── keys ────────────────────────────────────────────────────────────────────────────────────────
create table bucket_key (
    id            text primary key,
    bucket        text not null unique,
    wrapped       bytea,
    at            bigint not null,
    destroyed_at  bigint
);

-- ── the log ─────────────────────────────────────────────────────────────────────────────────────
create table event (
    id            uuid primary key,
    txid          xid8 not null default pg_current_xact_id(),
    ord           bigint not null generated always as identity,
    at            bigint not null,
    by            text not null,
    cause         text,
    kind          text not null,
    timeline      text not null,
    subject       text not null default '',
    key           text,
    salt          bytea not null default '',
    body          bytea not null
);
create index event_txid on event (txid, ord);
create index event_subject on event (subject) where subject <> '';

create table sealed (
    position      bigint primary key,
    event         uuid not null unique,
    leaf          bytea not null
);

-- The sealer reads by snapshot delta: `snap` is what is sealed, `upto` the snapshot it is working off (null:
-- none), and (txid, ord) the last event of that delta that is sealed already. Everything is new to '3:3:'.
create table sealer (
    one           boolean primary key default true check (one),
    owner         text,
    epoch         bigint not null default 0,
    lease_until   timestamptz not null default 'epoch',
    position      bigint not null default 0,
    snap          pg_snapshot not null,
    upto          pg_snapshot,
    txid          xid8 not null default '0',
    ord           bigint not null default 0
);
insert into sealer (snap) values ('3:3:');

create table checkpoint (
    size          bigint not null,
    seal_epoch    int not null,
    origin        text not null,
    root          bytea not null,
    at            bigint not null,
    signature     bytea not null,
    primary key (seal_epoch, size)
);

create function append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the log is append-only: % on % is refused', tg_op, tg_table_name
        using errcode = 'integrity_constraint_violation';
end $$;

create trigger event_append_only before update or delete or truncate on event
    for each statement execute function append_only();
create trigger sealed_append_only before update or delete or truncate on sealed
    for each statement execute function append_only();
create trigger checkpoint_append_only before update or delete or truncate on checkpoint
    for each statement execute function append_only();

-- ── workers ─────────────────────────────────────────────────────────────────────────────────────
create table worker (
    name          text primary key,
    seen          timestamptz not null
);

create table lease (
    timeline      text not null references timeline,
    stage         text not null,
    partition     int not null,
    owner         text,
    epoch         bigint not null default 0,
    lease_until   timestamptz not null default 'epoch',
    sequence      bigint not null default 0,
    snapshot      bigint not null default 0,
    ticked        bigint not null default 0,
    primary key (timeline, stage, partition)
) with (fillfactor = 50);

create table snapshot (
    timeline      text not null,
    stage         text not null,
    partition     int not null,
    detector      text not null,
    name          text not null,
    body          bytea not null,
    primary key (timeline, stage, partition, detector, name)
);
alter table snapshot alter column body set storage external;

create table newest (
    timeline      text not null,
    kind          text not null,
    partition     int not null,
    sequence      bigint not null,
    body          bytea not null,
    primary key (timeline, kind, partition)
);
alter table newest alter column body set storage external;

create table outbox (
    id            text primary key,
    ord           bigint not null generated always as identity,
    subject       text not null,
    body          bytea not null
);
create index outbox_ord on outbox (ord);

-- ── what detectors found, and what people do about it ───────────────────────────────────────────
create table detection (
    id            text not null,
    revision      int not null,
    hash          bytea not null,
    body          json not null,
    primary key (id, revision)
);

create table alert (
    id            text primary key,
    timeline      text not null,
    status        text not null,
    rank          bigint not null,
    last          bigint not null,
    revision      int not null,
    body          json not null
);
create index alert_open on alert (timeline, rank desc) where status in ('held', 'new', 'acknowledged', 'shelved');

create table call (
    id            text primary key,
    timeline      text not null,
    at            bigint not null,
    event         uuid not null,
    body          json not null
);
create index call_at on call (timeline, at);

create table incident (
    id            text primary key,
    timeline      text not null,
    status        text not null,
    opened_at     bigint not null,
    revision      int not null,
    body          json not null
);

-- ── people ──────────────────────────────────────────────────────────────────────────────────────
create table agent (
    id            text primary key,
    entry         json not null
);

create table invitation (
    code_hash     bytea primary key,
    role          text not null,
    until         bigint not null,
    used_at       bigint
);

create table session (
    token_hash    bytea primary key,
    agent         text not null references agent,
    until         bigint not null
);

create table shift (
    agent         text not null,
    since         bigint not null,
    budget        int not null,
    until         bigint,
    primary key (agent, since)
);
