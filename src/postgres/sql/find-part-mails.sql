-- The mails of parts of digests as they were last written down. $1 digest ids uuid[]  $2 parts integer[] (each with its id)
select w.digest_id, w.part, m.id, m.namespace, m.key, m.about_id, m.sender, m.recipient, m.recipient_name, m.subject,
       m.message_id, m.status, m.attempt, m.prepared_at, m.sent_at, m.answer, m.settled_by, m.settled_at, m.settle_reason,
       m.bounced_at, m.bounce_reason
  from unnest($1::uuid[], $2::integer[]) as w (digest_id, part)
  join digests d on d.id = w.digest_id
  join mails m on m.namespace = d.namespace and m.key = 'digest/' || d.id || '/' || w.part || '/' || d.round
