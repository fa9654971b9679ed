-- Where a dead letter was, so that it can be taken up again.

alter table dead_letter
    add column subject text not null default '',
    add column headers json not null default '{}';
