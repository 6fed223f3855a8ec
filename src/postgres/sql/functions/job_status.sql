-- How a job stands, from how many of its tasks are open and how the others ended. Cancelled tasks only count when
-- there are no others.
create or replace function job_status(open bigint, succeeded bigint, failed bigint) returns text
language sql immutable parallel safe as $$
  select case when open > 0 then 'OPEN'
              when failed > 0 and succeeded > 0 then 'PARTIALLY_FAILED'
              when failed > 0 then 'FAILED'
              when succeeded > 0 then 'SUCCEEDED'
              else 'CANCELLED' end
$$;
