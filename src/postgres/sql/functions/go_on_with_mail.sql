-- What became of a mail is known now: the task that gave it up, of which the digest is about_id, runs once more. It sends
-- the mail, or only writes down that it was sent. False: it is no mail of a digest.
create or replace function go_on_with_mail(about_id uuid, mail_key text, actor_name text) returns boolean
language plpgsql volatile as $$
declare
  known record;
  given_up record;
  mail_part integer;
  mail_round integer;
  moment timestamptz;
begin
  select d.id, d.job_id into known
    from digests d
   where d.id = about_id and mail_key ~ ('^digest/' || d.id || '/[0-9]{1,6}/[0-9]{1,6}$');
  if not found then
    return false;
  end if;
  mail_part := split_part(mail_key, '/', 3);
  mail_round := split_part(mail_key, '/', 4);
  select t.id, t.namespace, t.topic_id, t.priority, t.attempts into given_up
    from tasks t
   where t.job_id = known.job_id and t.kind = 'digest-send' and t.outcome = 'FAILED'
     and t.payload->>'digestId' = known.id::text and (t.payload->>'part')::integer = mail_part
     and (t.payload->>'round')::integer = mail_round
   order by t.id desc limit 1
     for update;
  if not found then
    perform add_digest_task(known.id, 'digest-send',
                            jsonb_build_object('digestId', known.id, 'part', mail_part, 'round', mail_round), null, 36);
    return true;
  end if;
  moment := clock_timestamp();
  update tasks t set outcome = null, finished_at = null, result = null, attempts_forgiven = given_up.attempts
   where t.id = given_up.id;
  insert into items (id, namespace, topic_id, priority, deliver_after, state, attempt)
  values (given_up.id, given_up.namespace, given_up.topic_id, given_up.priority, moment, 'delayed', given_up.attempts);
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt)
  values (event_position(), given_up.namespace, given_up.topic_id, given_up.id, 'RETRIED', actor_name, moment, given_up.attempts);
  return true;
end
$$;
