-- Where the digests of a namespace lie: what this shard keeps of that (null: nothing), and whether some lie here. $1 namespace
select (select h.shard from digest_homes h where h.namespace = $1::text) as home,
       exists (select from recipients r where r.namespace = $1::text) as lies_here
