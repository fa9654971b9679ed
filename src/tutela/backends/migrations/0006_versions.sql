-- Which definition of a datastream is the newest: who has read up to one asks for those after it.

alter table datastream add column version bigint;
update datastream set version = id, entry = (entry::jsonb || jsonb_build_object('version', id))::json;
alter table datastream alter column version set not null;
create unique index datastream_version on datastream (version);
