-- Units that answer incidents, as they stand now. How each came to be so is in the log (`unit@1`).

create table unit (
    id        text primary key,
    timeline  text not null,
    name      text not null,
    revision  int not null,
    body      json not null
);
create index unit_name on unit (timeline, name, id);
