-- The pauses and limits of a namespace, its own first. $1 namespace  $2 kind (null: all)  $3 how many
select kind, case when paused_until is null or paused_until > clock_timestamp() then paused_at end as paused_at,
       paused_until, paused_by, pause_reason, concurrency_max, rate_max, rate_seconds
  from task_controls
 where namespace = $1::text and ($2::text is null or kind = $2::text)
 order by kind
 limit $3::integer
