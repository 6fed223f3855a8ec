-- $1 id  $2 why
select mark_mail_bounced($1::uuid, $2::text) as done
