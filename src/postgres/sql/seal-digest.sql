-- Seals a digest. $1 id  $2 namespace. Columns: see functions/seal_digest.sql. No row: there is none.
select * from seal_digest($1::uuid, $2::text)
