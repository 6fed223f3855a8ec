-- Notes a blob down before it is stored, so that it is found when nothing ever names it. $1 key  $2 id of what it is for
insert into blob_attempts (key, owner_id, started_at) values ($1::text, $2::uuid, clock_timestamp())
on conflict (key) do update set started_at = excluded.started_at
