-- Witnesses that cosign this log's checkpoints, and what they said. The roots of whole tiles of 256 leaves are kept so that a
-- proof needs few leaves: they follow from the leaves, and a proof is held against the signed root before it is given.

create table witness (
    name          text primary key,
    body          json not null
);

create table cosignature (
    seal_epoch    int not null,
    size          bigint not null,
    witness       text not null,
    key_id        bytea not null,
    at            bigint not null,
    signature     bytea not null,
    primary key (seal_epoch, size, witness),
    foreign key (seal_epoch, size) references checkpoint
);
create index cosignature_of on cosignature (witness, seal_epoch, size);
create trigger cosignature_append_only before update or delete or truncate on cosignature
    for each statement execute function append_only();

create table tile (
    number        bigint primary key,
    root          bytea not null
);
