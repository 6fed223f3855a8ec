-- The mail of a digest as it was written down. $1 namespace  $2 key
select subject, html, text, recipient from mails where namespace = $1::text and key = $2::text
