-- Tasks by id. $1 ids uuid[]
select t.id, t.namespace, t.job_id, t.kind, t.payload, t.priority, t.run_at, t.max_attempts, t.finished_at, t.result,
       t.error, t.unique_key, t.name, t.waits_for, coalesce(i.attempt, t.attempts) - t.attempts_forgiven as attempts_counted,
       task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) as status,
       case when i.state = 'delayed' and i.deliver_after < 'infinity' then i.deliver_after end as next_run_at
  from tasks t left join items i on i.id = t.id
 where t.id = any ($1::uuid[])
