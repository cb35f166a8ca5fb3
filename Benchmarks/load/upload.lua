-- Posts BENCH_BODY_BYTES bytes.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("relevo--", tonumber(os.getenv("BENCH_BODY_BYTES")) / 8)
