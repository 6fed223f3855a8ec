-- Fails tasks whose last worker was lost and whose attempts are used up, so that nobody has to claim them for it to be
-- noticed. Those among the given ones that are ready and have had all their attempts. One row a task: 'failed'. Then one
-- row for each task that had waited for one of these and waits no more: 'released', or 'scheduled'.
create or replace function end_exhausted_tasks(task_ids uuid[]) returns table (
  outcome text,
  item_id uuid,
  topic_id integer,
  priority integer,
  deliver_after timestamptz
)
language plpgsql volatile
as $$
#variable_conflict use_column
declare
  answer record;
  awaited uuid[] := '{}';
begin
  for answer in
    with locked as materialized (
      select i.id, i.namespace, i.topic_id, i.attempt, t.max_attempts, i.xmin as writer
        from items i join tasks t on t.id = i.id
       where i.id = any (task_ids) and i.state = 'ready' and i.attempt - t.attempts_forgiven >= t.max_attempts
       order by i.id
         for update of i
    ), moment as materialized (
      select clock_timestamp() as at from (select count(*) from locked l where comes_after(l.writer)) as after_the_locks
    ), gone as (
      delete from items i using locked l where i.id = l.id
    ), task_rows as (
      update tasks t
         set outcome = 'FAILED', finished_at = m.at, attempts = l.attempt,
             error = format('All %s attempts are used up; the last worker was lost', l.max_attempts)
        from locked l cross join moment m where t.id = l.id
      returning t.id, t.is_awaited, t.error
    ), attempt_rows as (
      insert into task_attempts (task_id, attempt, worker, started_at, ended_at, outcome, error)
      select distinct on (l.id) l.id, l.attempt, e.actor, e.at, m.at, 'LOST',
             'The worker was lost: its lease ended without an answer'
        from locked l cross join moment m
        join events e on e.item_id = l.id and e.type = 'CLAIMED' and e.attempt = l.attempt
       order by l.id, e.position desc, e.sequence desc
      on conflict do nothing
    ), event_rows as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
      select (select event_position()), l.namespace, l.topic_id, l.id, 'FAILED', 'caseload', m.at, l.attempt, r.error
        from locked l cross join moment m join task_rows r on r.id = l.id
    )
    select r.id, r.is_awaited from task_rows r
  loop
    outcome := 'failed';
    item_id := answer.id;
    return next;
    if answer.is_awaited then
      awaited := awaited || answer.id;
    end if;
  end loop;
  if cardinality(awaited) > 0 then
    return query
      select case when s.is_ready then 'released' else 'scheduled' end, s.item_id, s.topic_id, s.priority, s.deliver_after
        from settle_dependents(awaited, array_fill('FAILED'::text, array[cardinality(awaited)])) s;
  end if;
end
$$;
