-- $1 recipient id  $2 who  $3 why (or null). See functions/resume_digests.sql.
with noted as (
  insert into operator_acts (position, namespace, system, about, about_id, type, actor, reason, everywhere)
  select (select event_position()), namespace, 'digests', external_id, id::text, kind || '_RESUMED', $2::text, $3::text, false
    from recipients where id = $1::uuid
)
select resume_digests($1::uuid)
