-- The rules that people wrote: what is known of each now. How it came to be so is in the log (`rule@1`).

create table rule (
    name  text primary key,
    entry json not null
);
