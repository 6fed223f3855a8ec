-- The limits of a namespace in the priority queue; null: none. No row for one that nobody has set any for. $1 namespace
select queue_depth_max, queue_in_flight_max, queue_enqueues_per_second from namespaces where name = $1::text
