-- The mail of a key, as far as sending it goes. $1 namespace  $2 key  $3 seconds after which a sending counts as broken off
select id, status, attempt, message_id, subject, html, text, recipient, recipient_name, prepared_at, answer,
       status = 'SENDING' and sending_at > clock_timestamp() - make_interval(secs => $3::integer) as is_being_sent,
       status = 'UNCERTAIN' or (status = 'SENDING' and ending_at is not null) as is_uncertain
  from mails where namespace = $1::text and key = $2::text
