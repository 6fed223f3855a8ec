-- $1 recipient id. See functions/release_held_digests.sql.
select release_held_digests($1::uuid)
