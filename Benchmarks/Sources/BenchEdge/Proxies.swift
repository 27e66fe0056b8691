import BenchKit
import Foundation

/// A proxy in front of the backends.
struct Proxy {
    let name: String
    let port: Int
    let child: Child
    let log: URL

    func contender(_ path: String) -> Contender {
        Contender(name, url: "http://127.0.0.1:\(port)\(path)", child: child, log: log)
    }

    static func nginx(backends: [Int], scratch: Scratch) throws -> Proxy {
        let port = try freePort()
        let http = nginxProxy(port: port, backends: backends)
        let child = try Nginx.start("nginx", http: http, port: port, on: .server, scratch: scratch)
        let log = scratch.url.appending(path: "nginx/access.log")
        return Proxy(name: "nginx", port: port, child: child, log: log)
    }

    static func haproxy(backends: [Int], scratch: Scratch) throws -> Proxy {
        let port = try freePort()
        let sections = haproxyProxy(port: port, backends: backends)
        let child = try HAProxy.start(sections, port: port, on: .server, scratch: scratch)
        // It logs to standard output, which is this file.
        let log = scratch.url.appending(path: "haproxy.log")
        return Proxy(name: "haproxy", port: port, child: child, log: log)
    }
}

/// nginx as a proxy: kept-alive upstream connections, enough for every client, and the headers Apus adds too.
func nginxProxy(port: Int, backends: [Int]) -> String {
    """
        access_log access.log main buffer=64k flush=1s;
        upstream backends {
    \(backends.map { "        server 127.0.0.1:\($0) max_fails=3 fail_timeout=2s;" }.joined(separator: "\n"))
            keepalive 1024;
            keepalive_requests 100000000;
            keepalive_timeout 65s;
        }
        server {
            listen 127.0.0.1:\(port) backlog=4096;
            location = /nginx_status { stub_status; }
            location / {
                proxy_pass http://backends;
                proxy_http_version 1.1;
                proxy_connect_timeout 2s;
                proxy_read_timeout 10s;
                proxy_set_header Connection "";
                proxy_set_header Host $host;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Host $host;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_set_header X-Request-Id $request_id;
                proxy_buffers 8 32k;
                proxy_buffer_size 8k;
            }
        }
    """
}

/// HAProxy as a proxy: the same headers, active health checks, connections shared between clients.
func haproxyProxy(port: Int, backends: [Int]) -> String {
    let servers = backends.enumerated().map { index, port in
        "    server s\(index) 127.0.0.1:\(port) check inter 2s pool-purge-delay 60s"
    }
    return """
        frontend main
            bind 127.0.0.1:\(port) backlog 4096
            option forwardfor
            http-request set-header X-Forwarded-Host %[req.hdr(Host)]
            http-request set-header X-Forwarded-Proto http
            unique-id-format %{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
            unique-id-header X-Request-Id
            default_backend backends
        backend backends
            balance leastconn
            option httpchk GET /health
        \(servers.joined(separator: "\n"))
        """
}
