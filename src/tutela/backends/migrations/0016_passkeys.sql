-- How a session was begun, and when somebody last did something in it: who was idle for long signs in again to act.

alter table session add column factor text not null default 'code';
alter table session add column passkey text;
alter table session add column active bigint not null default 0;
update session set active = until - 12 * 3600000000;
