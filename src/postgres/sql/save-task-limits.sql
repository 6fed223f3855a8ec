-- Limits a kind of task, or a whole namespace ('*'). $1 namespace  $2 kind  $3 how many at once (or null)
-- $4 how many may begin within a time (or null)  $5 that time in seconds (or null)  $6 who  $7 why (or null)
with saved as (
  insert into task_controls (namespace, kind, concurrency_max, rate_max, rate_seconds, tokens, refilled_at)
  values ($1::text, $2::text, $3::integer, $4::integer, $5::integer, $4::integer, clock_timestamp())
  on conflict (namespace, kind) do update
    set concurrency_max = excluded.concurrency_max, rate_max = excluded.rate_max, rate_seconds = excluded.rate_seconds,
        tokens = excluded.tokens, refilled_at = excluded.refilled_at
  returning kind
), noted as (
  insert into task_control_changes (namespace, kind, action, actor, reason, at)
  select $1::text, kind,
         format('limited to %s at once, %s', coalesce($3::integer::text, 'any number'),
                case when $4::integer is null then 'at any rate' else format('%s in %s s', $4::integer, $5::integer) end),
         $6::text, $7::text, clock_timestamp()
    from saved
)
select kind from saved
