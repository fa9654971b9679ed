-- What people tell: calls, residents' reports and public posts, each known by its word.

alter table call rename to told;
alter table told add column word text not null default 'call';
alter table told alter column word drop default;
drop index call_at;
create index told_newest on told (word, timeline, at desc, id);
