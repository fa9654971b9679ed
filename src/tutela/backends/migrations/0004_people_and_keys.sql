-- A name is personal data: it is in the log, sealed, and nowhere else.

update agent set entry = jsonb_set(entry::jsonb, '{name}', '""')::json;

-- A shift lasts no longer than the sessions of its agent.

create index session_agent on session (agent);

-- An erased bucket gets a new key for what comes later: one key at a time, any number of destroyed ones.

alter table bucket_key drop constraint bucket_key_bucket_key;
create unique index bucket_key_used on bucket_key (bucket) where wrapped is not null;
