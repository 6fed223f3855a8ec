-- Lets a request be: nobody is reminded, and it is not closed. $1 id  No row: nothing was planned.
update requests set follow_up_at = null where id = $1::uuid and follow_up_at is not null returning id
