import Foundation

/// nginx, one worker, tuned as its manual says: buffered access log, keep-alive both ways, no file it need not open.
public enum Nginx {
    /// How its version is printed.
    public static let version = ["nginx", "-v"]

    /// Starts nginx with the given inside of `http { }` and waits for its port.
    ///
    /// - Parameters:
    ///   - name: A folder of its own inside `scratch`.
    ///   - http: Upstreams and servers, and the access log: `off` beside a log would silence that log too.
    ///   - port: A port it will listen on.
    ///   - core: Where it runs.
    ///   - scratch: Where its folder is made.
    /// - Returns: The running program.
    /// - Throws: ``BenchError`` if it does not start.
    public static func start(_ name: String, http: String, port: Int, on core: Core, scratch: Scratch) throws -> Child {
        let folder = scratch.url.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let configuration = """
            daemon off;
            pid nginx.pid;
            user root;
            worker_processes 1;
            worker_rlimit_nofile 16384;
            error_log error.log warn;
            events { worker_connections 8192; multi_accept on; }
            http {
                client_body_temp_path body;
                proxy_temp_path proxy;
                fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi;
                scgi_temp_path scgi;
                log_format main escape=json '{"time":"$time_iso8601","method":"$request_method","path":"$request_uri",'
                                            '"status":$status,"bytes":$body_bytes_sent,"duration":$request_time,'
                                            '"peer":"$remote_addr"}';
                sendfile on;
                tcp_nodelay on;
                keepalive_requests 100000000;
                keepalive_timeout 65s;
                client_header_timeout 10s;
                client_body_timeout 10s;
                send_timeout 10s;
            \(http)
            }
            """
        try configuration.write(to: folder.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
        let child = try Child(
            ["nginx", "-p", folder.path + "/", "-c", "nginx.conf", "-e", "error.log"],
            on: core,
            output: folder.appending(path: "output.log")
        )
        try waitForPort(port, of: child, named: "nginx")
        return child
    }
}

/// HAProxy, one thread.
public enum HAProxy {
    /// How its version is printed.
    public static let version = ["haproxy", "-v"]

    /// Starts HAProxy with the given sections after its global ones and waits for its port.
    ///
    /// - Parameters:
    ///   - sections: Frontends and backends.
    ///   - port: A port it will listen on.
    ///   - core: Where it runs.
    ///   - scratch: Where its configuration and its log are written.
    /// - Returns: The running program.
    /// - Throws: ``BenchError`` if it does not start.
    public static func start(_ sections: String, port: Int, on core: Core, scratch: Scratch) throws -> Child {
        let file = try scratch.write(
            "haproxy.cfg",
            """
            global
                nbthread 1
                maxconn 6000
                log stdout format raw local0
            defaults
                mode http
                log global
                option httplog
                option http-keep-alive
                timeout http-request 10s
                timeout http-keep-alive 65s
                timeout connect 2s
                timeout client 65s
                timeout server 10s
                http-reuse always
            \(sections)

            """
        )
        let child = try Child(
            ["haproxy", "-db", "-f", file],
            on: core,
            output: scratch.url.appending(path: "haproxy.log")
        )
        try waitForPort(port, of: child, named: "haproxy")
        return child
    }
}
