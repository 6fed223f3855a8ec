-- Pauses a kind of task, or a whole namespace ('*'). $1 namespace  $2 kind  $3 until timestamptz (or null)  $4 who  $5 why
-- One row: 'saved', or 'past' when the end has passed, and nothing was changed.
with moment as materialized (
  select clock_timestamp() as at
), saved as (
  insert into task_controls (namespace, kind, paused_at, paused_until, paused_by, pause_reason)
  select $1::text, $2::text, m.at, $3::timestamptz, $4::text, $5::text from moment m
   where $3::timestamptz is null or $3::timestamptz > m.at
  on conflict (namespace, kind) do update
    set paused_at = excluded.paused_at, paused_until = excluded.paused_until, paused_by = excluded.paused_by,
        pause_reason = excluded.pause_reason
  returning kind
), noted as (
  insert into task_control_changes (namespace, kind, action, actor, reason, at)
  select $1::text, s.kind, case when $3::timestamptz is null then 'paused'
                                else to_char($3::timestamptz at time zone 'UTC', '"paused until "YYYY-MM-DD"T"HH24:MI:SS"Z"') end,
         $4::text, $5::text, m.at
    from saved s cross join moment m
)
select case when exists (select from saved) then 'saved' else 'past' end as outcome
