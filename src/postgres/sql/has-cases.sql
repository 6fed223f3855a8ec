-- Whether a namespace has any case. $1 namespace
select exists (select from cases where namespace = $1::text) as found
