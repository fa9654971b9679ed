-- The alerts of the last hours, whatever became of them.

create index alert_last on alert (timeline, last desc);
