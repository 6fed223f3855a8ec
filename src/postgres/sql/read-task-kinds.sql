-- The kinds of task that a namespace has used, with how many of each stand how. $1 namespace
select t.name as kind, coalesce(o.scheduled, 0) as scheduled, coalesce(o.available, 0) as available,
       coalesce(o.running, 0) as running, coalesce(o.retryable, 0) as retryable,
       (select count(*)::integer from tasks f where f.namespace = $1::text and f.kind = t.name and f.outcome = 'FAILED') as failed
  from topics t
  left join lateral (
    select count(*) filter (where s.status = 'SCHEDULED')::integer as scheduled,
           count(*) filter (where s.status = 'AVAILABLE')::integer as available,
           count(*) filter (where s.status = 'RUNNING')::integer as running,
           count(*) filter (where s.status = 'RETRYABLE')::integer as retryable
      from (
        select task_status(k.outcome, i.state, i.lease_expires_at, i.attempt - k.attempts_forgiven) as status
          from items i join tasks k on k.id = i.id
         where i.topic_id = t.id
      ) s
  ) o on true
 where t.namespace = $1::text and t.system = 'tasks'
 order by t.name
 limit 1000
