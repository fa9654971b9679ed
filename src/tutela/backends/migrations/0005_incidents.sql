-- Incidents are read a page at a time, newest first: those that people work on, and those that are over.

create index incident_under_way on incident (timeline, opened_at desc, id) where status not in ('Closed', 'Fused');
create index incident_over on incident (timeline, opened_at desc, id) where status in ('Closed', 'Fused');

-- Which incidents hold a call.

create index incident_calls on incident using gin ((body::jsonb -> 'calls'));
