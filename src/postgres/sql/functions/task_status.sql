-- How a task stands: its outcome once it has one, until then what its item says. A lease that has ended counts as given
-- back. attempts_counted: those of the present round.
create or replace function task_status(
  outcome text,
  item_state text,
  lease_expires_at timestamptz,
  attempts_counted integer
) returns text
language sql stable parallel safe as $$
  select case when outcome is not null then outcome
              when item_state = 'leased' and lease_expires_at > statement_timestamp() then 'RUNNING'
              when item_state = 'delayed' and attempts_counted > 0 then 'RETRYABLE'
              when item_state = 'delayed' then 'SCHEDULED'
              else 'AVAILABLE' end
$$;
