-- A token may be of one Thing of a source, which then speaks for itself only (null: of the whole source).

alter table token add column thing text references thing (name);
