-- Schedules of a namespace by name. $1 namespace  $2 name (null: all)  $3 id (null: any; then $1 may be null)  $4 how many
select id, namespace, name, kind, payload, priority, max_attempts, cron, every, anchor, time_zone, catch_up, saved_by,
       paused_at, paused_by, pause_reason, revision, next_task_id, next_at
  from task_schedules
 where ($1::text is null or namespace = $1::text) and ($2::text is null or name = $2::text)
   and ($3::uuid is null or id = $3::uuid)
 order by namespace, name
 limit $4::integer
