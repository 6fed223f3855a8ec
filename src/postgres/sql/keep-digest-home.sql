-- Settles where the digests of a namespace lie, unless that is settled. $1 namespace  $2 number of the shard
insert into digest_homes (namespace, shard) values ($1::text, $2::integer) on conflict do nothing
