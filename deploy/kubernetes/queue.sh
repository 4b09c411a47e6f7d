# The queue server of docker-compose.yml and of these manifests: `sh queue.sh`, with the passwords (letters and digits)
# in the environment. They go in on standard input, so that no process list shows them.
#
# Each role has a user that reaches the keys it works with and says or hears the news; docs/security.md tells why.
# The user `default` may do everything: it is yours, and no role knows its password.

data="resetkeys resetchannels -@all +@connection +@transaction +@read +@write -@scripting -@dangerous -scan -randomkey"
data="$data +evalsha +script|load +info"
bells="~bt:interactive* ~bt:batch* ~bt:_kombu.*"
heard="~bt:unacked*"
rates="~bt:rate:*"
speak="&bt:events +publish"
listen="&bt:events +subscribe +unsubscribe"

exec valkey-server - "$@" <<END
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
client-output-buffer-limit pubsub 32mb 8mb 60
requirepass ${REDIS_PASSWORD:?}
user api on >${REDIS_API_PASSWORD:?} $data $bells $rates $speak $listen
user relay on >${REDIS_RELAY_PASSWORD:?} $data $rates $listen
user worker on >${REDIS_WORKER_PASSWORD:?} $data $bells $heard $speak
user supervisor on >${REDIS_SUPERVISOR_PASSWORD:?} $data $bells $speak
END
