# Varnish as a plain reverse proxy before the new site: it keeps nothing. Its log is in shared memory, always.
vcl 4.1;

backend new_site {
  .host = "127.0.0.1";
  .port = "@new_port@";
}

sub vcl_recv {
  set req.http.X-Forwarded-Proto = "http";
  return (pass);
}
