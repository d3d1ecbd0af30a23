using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Codicil.Plugins.Tests.Http;

/// <summary>A root of a test's own and a server's certificate that leads to it.</summary>
internal sealed class TestCertificate : IDisposable
{
    private readonly X509Certificate2 _issuer;

    /// <summary>Makes both.</summary>
    /// <param name="host">The server's name.</param>
    /// <param name="issuerUrl">Where the server's certificate says that its issuer's is found.</param>
    public TestCertificate(string host, string? issuerUrl = null)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=Codicil test root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        rootRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _issuer = rootRequest.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        Root = X509CertificateLoader.LoadCertificate(_issuer.Export(X509ContentType.Cert));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        if (issuerUrl is not null)
        {
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([], [issuerUrl]));
        }

        using X509Certificate2 signed = request.Create(_issuer, now.AddHours(-1), now.AddHours(1), [1, 2, 3, 4]);
        using X509Certificate2 withKey = signed.CopyWithPrivateKey(key);
        Server = X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>The root.</summary>
    public X509Certificate2 Root { get; }

    /// <summary>The server's certificate with its key.</summary>
    public X509Certificate2 Server { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _issuer.Dispose();
        Root.Dispose();
        Server.Dispose();
    }
}
