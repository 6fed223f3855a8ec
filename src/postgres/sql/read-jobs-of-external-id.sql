-- The newest jobs of a namespace that bear a name from the producer's records. $1 namespace  $2 external id  $3 how many
select id from jobs where namespace = $1::text and external_id = $2::text order by id desc limit $3::integer
