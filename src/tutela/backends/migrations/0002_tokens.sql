-- Sources show who they are by a token; only its hash is kept.

create table token (
    hash          bytea primary key,
    source        text not null references source,
    at            bigint not null
);
