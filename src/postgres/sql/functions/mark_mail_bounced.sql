-- A mail came back: some server had it and could not deliver it. When it was a digest's, nothing more is sent to that
-- address until somebody looks. It also says what became of one that was uncertain. False: it was known.
create or replace function mark_mail_bounced(wanted uuid, why text) returns boolean
language plpgsql volatile as $$
declare
  target mails%rowtype;
  known digests%rowtype;
  was_uncertain boolean;
  moment timestamptz;
begin
  -- A digest's recipient is locked before anything of its digests.
  perform 1 from recipients r
   where r.id = (select d.recipient_id from mails m join digests d on d.id = m.about_id where m.id = wanted) for update;
  select m.* into target from mails m where m.id = wanted for update;
  if not found or target.bounced_at is not null then
    return false;
  end if;
  moment := clock_timestamp();
  was_uncertain := target.status = 'UNCERTAIN' or (target.status = 'SENDING' and target.ending_at is not null);
  update mails m
     set bounced_at = moment, bounce_reason = why,
         status = case when was_uncertain then 'SENT' else m.status end,
         sent_at = case when was_uncertain then coalesce(m.sending_at, moment) else m.sent_at end,
         settled_by = case when was_uncertain then 'bounce' else m.settled_by end,
         settled_at = case when was_uncertain then moment else m.settled_at end,
         settle_reason = case when was_uncertain then 'It came back, so the server had it' else m.settle_reason end
   where m.id = wanted;
  select d.* into known from digests d where d.id = target.about_id and target.key like 'digest/' || d.id || '/%';
  if not found then
    return true;
  end if;
  -- One that has got another address meanwhile is not stopped for the old one.
  update recipients r set bounced_at = moment, bounce_reason = why
   where r.id = known.recipient_id and r.email = target.recipient and r.bounced_at is null;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  values (event_position(), known.namespace, digest_topic(known.namespace, 'digests'), known.id, 'BOUNCED', 'digests', moment, why);
  if was_uncertain then
    perform go_on_with_mail(target.about_id, target.key, 'bounce');
  end if;
  return true;
end
$$;
