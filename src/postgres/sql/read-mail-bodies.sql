-- What mails say. $1 ids uuid[]
select id, html, text from mails where id = any ($1::uuid[])
