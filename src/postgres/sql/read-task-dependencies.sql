-- What tasks wait for or have waited for, in their jobs' order. $1 task ids uuid[]
select d.task_id as waiting_id, t.id, t.namespace, t.job_id, t.kind, t.payload, t.priority, t.run_at, t.max_attempts, t.finished_at, t.result,
       t.error, t.unique_key, t.name, t.waits_for, coalesce(i.attempt, t.attempts) - t.attempts_forgiven as attempts_counted,
       task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) as status,
       case when i.state = 'delayed' and i.deliver_after < 'infinity' then i.deliver_after end as next_run_at
  from task_dependencies d join tasks t on t.id = d.target_id left join items i on i.id = t.id
 where d.task_id = any ($1::uuid[])
 order by d.task_id, t.place
