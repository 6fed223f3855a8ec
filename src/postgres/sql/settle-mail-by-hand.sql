-- Somebody decides what became of an uncertain mail, and a digest that waits for it goes on.
-- $1 id  $2 status: PREPARED (send it again) or SENT  $3 who  $4 why
-- No row when it is not uncertain.
with settled as (
  update mails set status = $2::text, settled_by = $3::text, settled_at = clock_timestamp(), settle_reason = $4::text,
                   sent_at = case when $2::text = 'SENT' then coalesce(sending_at, clock_timestamp()) end,
                   ending_at = case when $2::text = 'SENT' then ending_at end
   where id = $1::uuid and status = 'UNCERTAIN'
  returning id, key, about_id, namespace
), noted as (
  -- Not to whom it went: acts are kept for ever and are read by those who may not read mails.
  insert into operator_acts (position, namespace, system, about, about_id, type, actor, reason, everywhere)
  select (select event_position()), namespace, 'mails', 'mail', id::text,
         case $2::text when 'SENT' then 'SETTLED_AS_SENT' else 'SETTLED_TO_SEND_AGAIN' end, $3::text, $4::text, false
    from settled
)
select id, go_on_with_mail(about_id, key, $3::text) as goes_on from settled
