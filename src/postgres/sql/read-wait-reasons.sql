-- Why tasks wait. $1 task ids uuid[]  One row a task that does.
with waiting as materialized (
  select t.id, t.namespace, t.kind, t.topic_id, t.waits_for, i.state, i.attempt - t.attempts_forgiven as attempts
    from tasks t join items i on i.id = t.id
   where t.id = any ($1::uuid[]) and not (i.state = 'leased' and i.lease_expires_at > clock_timestamp())
), control as materialized (
  select c.namespace, c.kind, c.paused_at is not null and (c.paused_until is null or c.paused_until > clock_timestamp()) as is_paused,
         c.rate_max is not null and task_tokens(c) < 1 as is_fast,
         c.concurrency_max is not null and c.concurrency_max <= (
           select count(*) from items i join topics t on t.id = i.topic_id
            where i.namespace = c.namespace and i.state = 'leased' and i.lease_expires_at > clock_timestamp()
              and t.system = 'tasks' and (c.kind = '*' or t.name = c.kind)
         ) as is_full
    from task_controls c
   where c.namespace in (select namespace from waiting)
     and (c.kind = '*' or (c.namespace, c.kind) in (select namespace, kind from waiting))
)
select w.id,
       case when w.waits_for > 0 then 'DEPENDENCIES'
            when w.state = 'delayed' and w.attempts > 0 then 'RETRY'
            when w.state = 'delayed' then 'TIME'
            when bool_or(c.is_paused)
              or exists (select from topics t where t.id = w.topic_id and t.paused_at is not null
                                                and (t.paused_until is null or t.paused_until > clock_timestamp())) then 'PAUSED'
            when bool_or(c.is_full) then 'CONCURRENCY_LIMIT'
            when bool_or(c.is_fast) then 'RATE_LIMIT'
            else 'WORKER' end as reason
  from waiting w left join control c on c.namespace = w.namespace and c.kind in ('*', w.kind)
 group by w.id, w.topic_id, w.waits_for, w.state, w.attempts
