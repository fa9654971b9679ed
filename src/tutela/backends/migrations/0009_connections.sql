-- How sources are reached that are fetched from or listened to: options in clear, secrets sealed, where each one stopped.

create table connection (
    source        text primary key references source (name),
    entry         json not null,
    key           text not null default '',
    sealed        bytea not null default '',
    mark          bytea not null default '',
    condition     json
);

-- One process runs the connections at a time; what it remembers is fenced by its epoch.
create table connecting (
    one           boolean primary key default true check (one),
    owner         text,
    epoch         bigint not null default 0,
    lease_until   timestamptz not null default 'epoch'
);
insert into connecting default values;
